package main

import (
	"net"
	"strconv"
	"time"
)

const host = "127.0.0.1"

var defaults = settings{Port: basePort + 1}

func main() {
	net.Listen("tcp", address)
	net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(basePort)))
	net.Listen("tcp", host+":"+strconv.Itoa(defaults.Port))
	net.Listen(network, path())
	time.Sleep(time.Hour)
}
