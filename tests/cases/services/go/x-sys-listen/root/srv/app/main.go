package main

import (
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	fd, _ := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	unix.Bind(fd, &unix.SockaddrInet4{Port: 8080})
	unix.Listen(fd, unix.SOMAXCONN)

	other, _ := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	unix.Bind(other, &unix.SockaddrUnix{Name: "@app"})
	unix.Listen(other, 128)
	time.Sleep(time.Hour)
}
