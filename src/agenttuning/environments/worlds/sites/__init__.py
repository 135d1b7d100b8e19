"""Web pages as Mind2Web shows them: cut around candidates, asked about in a tournament of multiple-choice questions."""
