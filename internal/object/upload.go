package object

// CheckUploadChecksum returns the checksum that an upload in parts will have, with S3's
// defaults, or says why there is no such thing.
func CheckUploadChecksum(c Checksum) (Checksum, error) {
	c.Value = ""
	if c.Algorithm == "" {
		if c.Type != "" {
			return c, Errorf(InvalidRequest, "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return Checksum{Algorithm: CRC64NVME, Type: FullObject}, nil
	}
	if c.Type == "" {
		c.Type = Composite
		if c.Algorithm == CRC64NVME {
			c.Type = FullObject
		}
	}
	if c.Type == FullObject && !c.Algorithm.Combines() || c.Type == Composite && c.Algorithm == CRC64NVME {
		return c, Errorf(InvalidRequest, "The %s checksum type cannot be used with the %s checksum algorithm.", c.Type, c.Algorithm)
	}
	return c, nil
}

// ChooseParts returns the parts that a completion lists, as they are stored (in order of
// their numbers), or S3's error about the list.
func ChooseParts(stored, listed []Part) ([]Part, error) {
	if len(listed) == 0 || len(listed) > MaxParts {
		return nil, Errorf(InvalidRequest, "You must specify at least one part, and at most %d", MaxParts)
	}
	last := 0
	for _, l := range listed {
		if l.Number <= last {
			return nil, Errorf(InvalidPartOrder, "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
		last = l.Number
	}
	var chosen []Part
	i := 0
	for _, l := range listed {
		for i < len(stored) && stored[i].Number < l.Number {
			i++
		}
		if i == len(stored) || stored[i].Number != l.Number || stored[i].ETag != l.ETag || !l.Checksum.fits(stored[i].Checksum) {
			return nil, Errorf(InvalidPart, "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		}
		chosen = append(chosen, stored[i])
	}
	for _, p := range chosen[:len(chosen)-1] {
		if p.Size < MinPart {
			return nil, Errorf(EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size")
		}
	}
	return chosen, nil
}

// fits reports whether a checksum that a completion lists is the stored one; none fits.
func (c Checksum) fits(stored Checksum) bool {
	return c.Value == "" || c.Algorithm == stored.Algorithm && c.Value == stored.Value
}

// Assemble returns what parts come to: the object's size, ETag and checksum, and refuses
// what is not as the completion says.
func Assemble(kind Checksum, parts []Part, o CompleteOptions) (Info, error) {
	info := Info{Parts: len(parts), ETag: PartsETag(parts)}
	for _, p := range parts {
		info.Size += p.Size
	}
	switch {
	case info.Size > MaxObject:
		return info, Errorf(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size")
	case o.Size > 0 && o.Size != info.Size:
		return info, Errorf(InvalidRequest, "The provided 'x-amz-mp-object-size' header does not match what was computed.")
	}
	if kind.Type == Composite {
		info.Checksum = CompositeOf(kind.Algorithm, parts)
	} else {
		info.Checksum = WholeOf(kind.Algorithm, parts)
	}
	if o.Checksum.Value != "" && o.Checksum.Algorithm == info.Checksum.Algorithm && o.Checksum.Value != info.Checksum.Value {
		return info, Errorf(BadDigest, "The %s you specified did not match the calculated checksum.", o.Checksum.Algorithm)
	}
	return info, nil
}
