#!/bin/sh
[ $(cat /proc/sys/net/core/somaxconn) -ge 1024 ]
