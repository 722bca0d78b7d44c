ssl_bind '127.0.0.1', 9443, {
  key: '/srv/app/key.pem',
  cert: '/srv/app/cert.pem',
  backlog: 89
}
bind 'ssl://127.0.0.1:9444?key=/srv/app/key.pem&cert=/srv/app/cert.pem&backlog=88'
ssl_bind '0.0.0.0', '9445', key: '/srv/app/key.pem', cert: '/srv/app/cert.pem'
