"""What passes between kernel and browser: messages, flow control, frames, callbacks."""
