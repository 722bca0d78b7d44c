#!/bin/sh
exec ./run4.sh
