"""WebArena: long tasks on whole web sites, seen as accessibility trees and judged by what the sites then show."""
