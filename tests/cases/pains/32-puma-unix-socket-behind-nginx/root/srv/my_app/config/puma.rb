threads 5, 5
bind 'unix:///srv/my_app/shared/sockets/puma.sock'
