#!/bin/sh
exec ./run6.sh
