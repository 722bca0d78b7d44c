package main

import "net"

func listen() { net.Listen("tcp", ":8080") }
