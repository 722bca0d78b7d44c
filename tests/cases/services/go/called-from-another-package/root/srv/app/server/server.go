package server

import (
	"fmt"
	"net"
	"net/http"
)

type Options struct {
	Port int
}

type Server struct {
	options Options
}

func New(options Options) *Server {
	return &Server{options: options}
}

func (s *Server) Run() error {
	return http.ListenAndServe(fmt.Sprintf(":%d", s.options.Port), nil)
}

func Serve(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return http.Serve(listener, nil)
}
