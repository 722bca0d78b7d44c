package main

import (
	"net"
	"os"
	"time"
)

func main() {
	net.Listen("tcp", ":8080")
	// Somebody raises it while the program runs.
	os.WriteFile("/proc/sys/net/core/somaxconn", []byte("50000"), 0644)
	net.Listen("tcp", ":8081")
	time.Sleep(time.Hour)
}
