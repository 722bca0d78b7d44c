listen 8093, backlog: '64'
