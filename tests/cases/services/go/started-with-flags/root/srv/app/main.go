package main

import (
	"flag"
	"fmt"
	"net/http"
)

func main() {
	var host string
	var port int
	verbose := flag.Bool("v", false, "say more")
	flag.StringVar(&host, "host", "127.0.0.1", "host")
	flag.IntVar(&port, "port", 8000, "port")
	flag.Parse()
	if *verbose {
		fmt.Println("started")
	}
	http.ListenAndServe(fmt.Sprintf("%s:%d", host, port), nil)
}
