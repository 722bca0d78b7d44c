package main

import (
	"net/http"

	"golang.org/x/crypto/acme/autocert"
)

func main() {
	manager := &autocert.Manager{Prompt: autocert.AcceptTOS, Cache: autocert.DirCache("/run/certificates")}
	go http.ListenAndServe(":http", manager.HTTPHandler(nil))
	server := &http.Server{Addr: ":https", TLSConfig: manager.TLSConfig()}
	server.ListenAndServeTLS("", "")
}
