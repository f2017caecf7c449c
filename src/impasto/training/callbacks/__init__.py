"""What happens beside the steps of a training: files, curves, previews, guards."""
