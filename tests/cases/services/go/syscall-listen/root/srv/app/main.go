package main

import (
	"syscall"
	"time"
)

const backlog = 300

func open(family int) int {
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err != nil {
		panic(err)
	}
	return fd
}

func ipv4() {
	fd := open(syscall.AF_INET)
	syscall.Bind(fd, &syscall.SockaddrInet4{Port: 8080, Addr: [4]byte{127, 0, 0, 1}})
	syscall.Listen(fd, 64)
}

func anywhere() {
	fd := open(syscall.AF_INET)
	address := &syscall.SockaddrInet4{Port: 8081}
	if err := syscall.Bind(fd, address); err != nil {
		panic(err)
	}
	if err := syscall.Listen(fd, backlog); err != nil {
		panic(err)
	}
}

func ipv6() {
	fd := open(syscall.AF_INET6)
	syscall.Bind(fd, &syscall.SockaddrInet6{Port: 8082})
	syscall.Listen(fd, syscall.SOMAXCONN)
}

func ipv6Only() {
	fd := open(syscall.AF_INET6)
	syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 1)
	syscall.Bind(fd, &syscall.SockaddrInet6{Port: 8083})
	syscall.Listen(fd, -1)
}

func path() {
	fd := open(syscall.AF_UNIX)
	syscall.Bind(fd, &syscall.SockaddrUnix{Name: "/run/app.sock"})
	syscall.Listen(fd, 0)
}

func main() {
	ipv4()
	anywhere()
	ipv6()
	ipv6Only()
	path()
	time.Sleep(time.Hour)
}
