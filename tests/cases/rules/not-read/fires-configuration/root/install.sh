#!/bin/sh
cat >/etc/nginx/conf.d/app.conf <<'END'
server {
    listen 80;
    server_name example.org;
}
END
