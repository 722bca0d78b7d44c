bind "tcp://0.0.0.0:9302?low_latency=true&backlog=8192"
