package main

import "github.com/gin-gonic/gin"

func setupRouter() *gin.Engine {
	r := gin.Default()
	r.GET("/ping", func(c *gin.Context) { c.String(200, "pong") })
	return r
}

func main() {
	router := setupRouter()
	go router.Run()
	go gin.New().Run("127.0.0.1:8081")
	go router.RunUnix("/run/gin.sock")
	engine := gin.New()
	engine.Use(gin.Recovery())
	engine.Run(":8082")
}
