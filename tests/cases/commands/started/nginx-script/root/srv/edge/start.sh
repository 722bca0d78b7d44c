#!/bin/sh
/usr/sbin/nginx -t -q -c $CONF || exit 1
exec /usr/sbin/nginx -c "$CONF" -g 'daemon off;'
