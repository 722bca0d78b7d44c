app = '/run'
bind "unix://#{app}/puma.sock?backlog=300"
bind 'unix:///run/other.sock'
bind 'unix://@hidden'
