"""What a change of the code did to the gradient flow: two diagnoses compared, and the comparison in every format."""
