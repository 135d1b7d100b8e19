"""MiniWoB++: action grammar, the 46 pages of the 2023 evaluation in Chromium, scripted solvers of most of them."""
