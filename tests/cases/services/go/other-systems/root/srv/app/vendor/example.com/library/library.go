package library

import "net"

func Listen() { net.Listen("tcp", ":8084") }
