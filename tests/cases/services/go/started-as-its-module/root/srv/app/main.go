package main

import (
	"flag"
	"net/http"
)

func main() {
	addr := flag.String("listen", "127.0.0.1:8000", "where to listen")
	flag.Parse()
	http.ListenAndServe(*addr, nil)
}
