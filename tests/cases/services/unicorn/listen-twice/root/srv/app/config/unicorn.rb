listen 8091, backlog: 10
listen '0.0.0.0:8091', tcp_nopush: true
listen 8092, backlog: 11
listen 8092, backlog: 12
