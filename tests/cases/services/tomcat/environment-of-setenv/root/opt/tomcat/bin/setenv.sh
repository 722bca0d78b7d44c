# Read by catalina.sh.
export PORT=8093
export ACCEPT="77"
OTHER=1
