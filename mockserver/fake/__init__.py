"""What answers when no exchange does: a graph without a model, which speaks the protocol of an Agent Server. No I/O.

A script says what it says (`script`, read by `reading`); `messages` takes the conversation in; `run` plays the script and
tells what happens in each stream mode; `server` has the endpoints around it.
"""
