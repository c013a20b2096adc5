"""Life-event bundles: what one event brings to one person is told in one notice, and shown as one story."""
