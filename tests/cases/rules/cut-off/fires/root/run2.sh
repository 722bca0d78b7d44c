#!/bin/sh
exec ./run3.sh
