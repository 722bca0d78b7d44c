package main

import (
	"crypto/tls"
	"errors"
	"net/http"
)

func none(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return nil, errors.New("no certificate")
}

func main() {
	config := &tls.Config{GetCertificate: none}
	tls.Listen("tcp", "127.0.0.1:8443", config)
	go (&http.Server{TLSConfig: config}).ListenAndServeTLS("", "")
	server := &http.Server{Addr: ":9443", TLSConfig: config}
	server.ListenAndServeTLS("", "")
}
