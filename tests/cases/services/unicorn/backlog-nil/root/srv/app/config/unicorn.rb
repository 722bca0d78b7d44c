listen 8102, backlog: nil
listen 8103
