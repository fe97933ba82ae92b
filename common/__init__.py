"""What the two scripts share: data, padding, one-hot encoding, batches, the curve, the run around them."""
