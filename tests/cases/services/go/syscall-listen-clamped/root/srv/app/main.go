package main

import (
	"syscall"
	"time"
)

func main() {
	fd, _ := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	syscall.Bind(fd, &syscall.SockaddrInet4{Port: 8080})
	syscall.Listen(fd, 512)
	time.Sleep(time.Hour)
}
