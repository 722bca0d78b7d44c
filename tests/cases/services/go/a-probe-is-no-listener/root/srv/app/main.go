package main

import (
	"fmt"
	"net"
	"net/http"
)

func freePort() int {
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		l.Close()
	}
	return err == nil
}

func main() {
	fmt.Println(freePort(), isFree(8081))
	http.ListenAndServe(":8080", nil)
}
