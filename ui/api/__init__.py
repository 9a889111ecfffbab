"""What programs talk to: endpoints of Gradio, and the files that they send and get."""
