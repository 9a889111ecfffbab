"""What every request passes before any route, ours or Gradio's, sees it.

hosts         names that the server answers to, and pages that may send requests
logins        who is logged in, and how fast passwords may be tried
bodies        how large a request may be, how slowly it may come, and what JSON may hold
page_policy   what the page may load and do, and who may show it in a frame
middleware    the ASGI middleware that puts these together
connections   sockets: how many, and how long they may take to say what they want
"""
