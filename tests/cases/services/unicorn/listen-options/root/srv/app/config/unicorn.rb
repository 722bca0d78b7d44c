worker_processes 2
listen "/run/unicorn.sock", :backlog => 64
listen "127.0.0.1:8083", :tcp_nopush => true, :backlog => 2048
listen 8084, { backlog: 0 }
