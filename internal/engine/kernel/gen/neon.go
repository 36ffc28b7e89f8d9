package main

func neon() *unit { return &unit{name: "neon_arm64", known: map[string]bool{}} }
