package main

import "net"

func serve() { net.Listen("tcp", ":8086") }
