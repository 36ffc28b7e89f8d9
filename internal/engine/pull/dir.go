package pull

import (
	"os"
	"path/filepath"
)

// DefaultDir returns the folder where models live: $OUTCROP_MODELS, else
// outcrop/models in the user's cache folder.
func DefaultDir() string {
	if d := os.Getenv("OUTCROP_MODELS"); d != "" {
		return d
	}
	if d := os.Getenv("XDG_CACHE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "outcrop", "models")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "outcrop-models"
	}
	return filepath.Join(home, ".cache", "outcrop", "models")
}
