listen 'unix:/run/prefix.sock', backlog: 5
listen 'unix:relative.sock'
