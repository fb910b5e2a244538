package sealpipe

import (
	"math"
	"path/filepath"
	"time"
	"unicode/utf8"

	"sealpipe/internal/fault"
	"sealpipe/internal/transport"
	"sealpipe/internal/wire"
)

func invalidOption(name, must string) error {
	return fault.New(fault.InvalidOption, "the option %s must be %s", name, must)
}

func count(value *int, name string, standard, highest int) error {
	if *value < 0 || *value > highest {
		return invalidOption(name, "a positive number in range")
	}
	if *value == 0 {
		*value = standard
	}
	return nil
}

// duration applies the default to zero; Never is allowed if the documentation says so, and is 0 from here on.
func duration(value *time.Duration, name string, standard time.Duration, orNever bool) error {
	switch {
	case *value == 0:
		*value = standard
	case *value == Never && orNever:
		*value = 0
	case *value < time.Millisecond || *value > math.MaxInt32*time.Millisecond:
		return invalidOption(name, "from a millisecond to 24 days")
	}
	return nil
}

func parseOptions(given *Options, role wire.Side) (*config, error) {
	c := &config{}
	if given != nil {
		c.Options = *given
	}
	for _, check := range []func() error{
		func() error { return c.checkForeign(role) },
		func() error { return c.checkTexts() },
		func() error { return c.checkContracts() },
		func() error {
			return count(&c.MaxMessageBytes, "MaxMessageBytes", wire.DefaultMaxMessageBytes, wire.MaxMaxMessageBytes)
		},
		func() error { return count(&c.MaxQueuedBytes, "MaxQueuedBytes", defaultMaxQueuedBytes, math.MaxInt) },
		func() error { return count(&c.MaxConcurrentRequests, "MaxConcurrentRequests", 256, math.MaxInt32) },
		func() error { return count(&c.MaxConcurrentStreams, "MaxConcurrentStreams", 64, math.MaxInt32) },
		func() error { return count(&c.StreamWindowBytes, "StreamWindowBytes", 524_288, wire.MaxWindow) },
		func() error { return count(&c.MaxConnections, "MaxConnections", 1_024, math.MaxInt32) },
		func() error { return count(&c.MaxPendingHandshakes, "MaxPendingHandshakes", 1_024, math.MaxInt32) },
		func() error { return count(&c.MaxDetachedSessions, "MaxDetachedSessions", 64, math.MaxInt32) },
		func() error { return count(&c.MaxDetachedBytes, "MaxDetachedBytes", 67_108_864, math.MaxInt) },
		func() error { return duration(&c.HandshakeTimeout, "HandshakeTimeout", 5*time.Second, false) },
		func() error { return duration(&c.FrameTimeout, "FrameTimeout", 30*time.Second, false) },
		func() error { return duration(&c.CloseTimeout, "CloseTimeout", 5*time.Second, false) },
		func() error { return duration(&c.KeepaliveInterval, "KeepaliveInterval", 10*time.Second, true) },
		func() error { return duration(&c.KeepaliveTimeout, "KeepaliveTimeout", 10*time.Second, false) },
		func() error { return duration(&c.AddressCheckInterval, "AddressCheckInterval", 5*time.Second, true) },
		func() error { return duration(&c.ResumeWindow, "ResumeWindow", 30*time.Second, true) },
		func() error { return duration(&c.ConnectTimeout, "ConnectTimeout", 0, true) },
		func() error { return duration(&c.RetryDelay, "RetryDelay", 100*time.Millisecond, false) },
		func() error {
			return duration(&c.MaxRetryDelay, "MaxRetryDelay", max(5*time.Second, c.RetryDelay), false)
		},
		c.checkTogether,
	} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// checkForeign refuses options that are only for the other of Listen and Dial.
func (c *config) checkForeign(role wire.Side) error {
	foreign := map[string]bool{
		"Trust": c.Trust.Anyone || len(c.Trust.Users) > 0, "ConnectTimeout": c.ConnectTimeout != 0, "RetryDelay": c.RetryDelay != 0,
		"MaxRetryDelay": c.MaxRetryDelay != 0, "DisableOfflineQueue": c.DisableOfflineQueue,
	}
	who := "left to Dial"
	if role == wire.ClientSide {
		foreign = map[string]bool{
			"UnmaskPermissions": c.UnmaskPermissions, "AddressCheckInterval": c.AddressCheckInterval != 0,
			"MaxConnections": c.MaxConnections != 0, "MaxPendingHandshakes": c.MaxPendingHandshakes != 0,
			"ResumeWindow": c.ResumeWindow != 0, "MaxDetachedSessions": c.MaxDetachedSessions != 0,
			"MaxDetachedBytes": c.MaxDetachedBytes != 0, "Prepare": c.Prepare != nil,
		}
		who = "left to Listen"
	}
	for name, given := range foreign {
		if given {
			return invalidOption(name, who)
		}
	}
	return nil
}

func (c *config) checkTexts() error {
	switch {
	case len(c.Application) > wire.MaxTextBytes || !utf8.ValidString(c.Application):
		return invalidOption("Application", "at most 255 bytes of UTF-8")
	case len(c.ApplicationVersion) > wire.MaxTextBytes || !utf8.ValidString(c.ApplicationVersion):
		return invalidOption("ApplicationVersion", "at most 255 bytes of UTF-8")
	case c.Directory == "":
		c.Directory = transport.DefaultDirectory
	case c.Directory != RuntimeDirectory && !filepath.IsAbs(c.Directory):
		return invalidOption("Directory", "an absolute path, or RuntimeDirectory")
	}
	return nil
}

func (c *config) checkTogether() error {
	switch c.Profile {
	case "":
		c.Profile = ProfileAuto
	case ProfileAuto, ProfileClassic, ProfileNative:
	default:
		return invalidOption("Profile", "one of the three")
	}
	if c.PrivateDirectory && c.UnmaskPermissions {
		return invalidOption("UnmaskPermissions", "off in a private directory, which no other user can enter")
	}
	if c.StreamWindowBytes < wire.MinWindow {
		return invalidOption("StreamWindowBytes", "65536 to 2147483647")
	}
	if c.MaxRetryDelay < c.RetryDelay {
		return invalidOption("MaxRetryDelay", "at least RetryDelay")
	}
	if len(c.Secret) > wire.MaxSecretBytes || c.Secret != nil && len(c.Secret) == 0 {
		return invalidOption("Secret", "1 to 1024 bytes")
	}
	if c.SecretFile != "" && !filepath.IsAbs(c.SecretFile) {
		return invalidOption("SecretFile", "the absolute path of a file")
	}
	if c.Secret == nil && c.SecretFile == "" {
		return nil
	}
	switch {
	case c.Secret != nil && c.SecretFile != "":
		return invalidOption("SecretFile", "left out if there is a Secret")
	case c.Profile == ProfileClassic:
		return invalidOption("Profile", "another than classic with a secret: golang-ipc's wire has no place for it")
	case c.DisableEncryption:
		return invalidOption("DisableEncryption", "off with a secret: it is what the keys are made with")
	}
	return nil
}

// readSecret sets the secret, reading its file if it is in one.
func (c *config) readSecret() (err error) {
	c.secret = c.Secret
	if c.SecretFile != "" {
		c.secret, err = readSecretFile(c.SecretFile)
	}
	return err
}
