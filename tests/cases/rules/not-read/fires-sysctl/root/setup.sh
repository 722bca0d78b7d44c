#!/bin/sh
sysctl -w net.core.somaxconn=2048
echo 0 > /proc/sys/net/ipv4/tcp_syncookies
