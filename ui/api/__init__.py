"""What programs talk to: typed endpoints of Gradio that work on sessions directly."""
