"""What two recordings, or a recording and a live server, differ in. No I/O."""
