package metrics

import "net/http"

func Serve() error {
	return http.ListenAndServe("127.0.0.1:9090", http.NewServeMux())
}
