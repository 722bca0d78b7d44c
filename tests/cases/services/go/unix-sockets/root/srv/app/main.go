package main

import (
	"net"
	"time"
)

func main() {
	net.Listen("unix", "/run/app.sock")
	net.Listen("unix", "@abstract")
	net.Listen("unix", "relative.sock")
	net.Listen("unixpacket", "/run/packets.sock")
	net.ListenUnix("unix", &net.UnixAddr{Name: "/run/named.sock", Net: "unix"})
	address, _ := net.ResolveUnixAddr("unix", "/run/resolved.sock")
	net.ListenUnix("unix", address)
	net.Listen("unix", "\x00hidden")
	time.Sleep(time.Hour)
}
