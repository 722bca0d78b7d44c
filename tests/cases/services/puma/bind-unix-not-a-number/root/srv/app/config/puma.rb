bind "unix:///run/puma.sock?backlog=abc"
