"""The events of a thread in order, and which of them a subscription gets. No I/O, no clock."""
