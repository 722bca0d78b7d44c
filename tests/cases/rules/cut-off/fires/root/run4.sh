#!/bin/sh
exec ./run5.sh
